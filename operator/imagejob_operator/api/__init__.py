"""The CRDs' types as they are on the wire, with reasons, quantities, digests and labels."""
