"""From a file to an answer, by the paper's protocol and without widgets; commands and explorers stand on it."""
