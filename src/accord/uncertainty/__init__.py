"""How sure we are: bands around published facts and around what is calculated from them."""
