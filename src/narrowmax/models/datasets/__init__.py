"""Tasks from data that a person points to: none of it is shipped, and none of its code is run."""
