"""The sixteen activities and what tells them apart."""

SIZE = (160, 120)
REVERSED_PAIRS = [
    ("OpenDrawer", "CloseDrawer"),
    ("PutIn", "TakeOut"),
    ("CoverPot", "UncoverPot"),
    ("PickUp", "PutDown"),
]
MOTION_ONLY = ["Stir", "Beat", "Scrape", "Whisk"]
OBJECT_ONLY = ["CutCarrot", "CutCucumber", "PeelApple", "PeelPotato"]
CLASSES = [name for pair in REVERSED_PAIRS for name in pair] + MOTION_ONLY + OBJECT_ONLY
VERBS = {
    "OpenDrawer": "open", "CloseDrawer": "close", "PutIn": "put in", "TakeOut": "take out",
    "CoverPot": "cover", "UncoverPot": "uncover", "PickUp": "pick up", "PutDown": "put down",
    "Stir": "stir", "Beat": "beat", "Scrape": "scrape", "Whisk": "whisk",
    "CutCarrot": "cut", "CutCucumber": "cut", "PeelApple": "peel", "PeelPotato": "peel",
}  # fmt: skip
