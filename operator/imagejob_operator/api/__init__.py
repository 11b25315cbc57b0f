"""The CRDs' types as they are on the wire, and the words that go with them."""
