"""Takes memory, 4 MiB at a time, and uses it. With a limit it is stopped on the way; without one it stops at 256 MiB."""
STEP_MIB, LAST_MIB = 4, 256

print("A snowball rolls down the hill.")
snow = []
for size in range(STEP_MIB, LAST_MIB + 1, STEP_MIB):
    snow.append(b"*" * (STEP_MIB * 1024**2))
    print(f"  {size:>3} MiB " + "*" * (size // STEP_MIB), flush=True)
print("It lies at the bottom: nothing limited it.")
