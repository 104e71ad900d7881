"""Bakes a cake and fails on the way: an exception with its cause, a traceback on stderr, exit code 1."""
from kitchen import bake

print("Baking a cake.")
bake(["flour", "sugar", "butter", "eggs", "vanilla", "chocolate"])
print("Done.")
