"""The same trainings in other frameworks, and where Digitpad's own time goes."""
