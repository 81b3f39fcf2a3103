"""Pre-training of the toy CNN on single images of Toy Kitchen (in the paper: on ImageNet)."""
