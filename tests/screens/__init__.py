"""Every screen of the back office: which addresses there are, a shop that has something on each, and pictures of them."""
