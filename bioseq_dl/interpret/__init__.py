"""What a trained network looks at: contributions of bases, and the motifs they make."""
