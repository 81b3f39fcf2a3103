"""What trainings read of whole datasets, made before them: features of frozen CNNs, optical flow."""
