// Loads, and has not got the export that a driver has.
extern "C" int OpenAdapter10() { return 0; }
