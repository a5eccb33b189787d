"""The engines: what a drawing is turned into.  They receive a datapath, never a design."""
