"""A small ML backend for Label Studio that learns when told to: copy this folder to start your own."""
