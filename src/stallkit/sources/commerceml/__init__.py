"""1C by CommerceML 2: reading and writing its files, the exchange protocol as a state machine, and a 1C base to try them with."""
