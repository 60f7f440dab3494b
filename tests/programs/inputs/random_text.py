"""Writes about as many bytes of compressible text as the first argument says to the file named by the second."""
import random
import sys

source = random.Random(5)
words = ["".join(source.choices("etaoinshrdlu", k=source.randint(2, 9))) for _ in range(3000)]
with open(sys.argv[2], "w", encoding="ascii") as text:
    for _ in range(int(sys.argv[1]) // 65):
        text.write(" ".join(source.choices(words, k=10)) + "\n")
