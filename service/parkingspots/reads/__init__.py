"""Public reads ahead of the framework: answers are kept as bytes, for as long as they are the truth."""
