"""The model: what is declared, how it hangs together, and what version of the code made it."""
