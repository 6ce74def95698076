"""For those who write back ends: conformance classes, and fakes that keep every promise of their port."""
