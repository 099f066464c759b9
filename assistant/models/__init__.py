"""The models: where they lie, which serves, and running them."""
