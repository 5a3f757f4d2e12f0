//! Testing Polychat and what plugs into it: checker, conformance suites, fault injection.
