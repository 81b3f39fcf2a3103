"""How fast the course is, and how far from what the machine can do: ``make bench``.

Each figure is a ratio within one run. The course's own way and the plain ways to do the same are called in turn, in one
process a row, and their medians are compared; the *floor* is the arithmetic that the work needs, at the rate of the
best matrix product of the same process. ``row`` says what a row is, ``measure`` measures it, ``table`` prints it;
``rows`` holds the rows by topic, ``plain`` the plain ways, and ``flops`` counts the arithmetic.
"""
