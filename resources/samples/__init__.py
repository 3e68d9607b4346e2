"""Sample reviews with the dirt of real ones, composed from phrases of our own, from one seed."""
