"""Hand-written SQL that does the same jobs: the physical limit that the product is compared with."""
