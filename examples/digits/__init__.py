"""The demo: scikit-learn's handwritten digits, labelled by a simulated annotator in a real Label Studio."""
