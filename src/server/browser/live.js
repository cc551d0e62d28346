// Shows records as they come.
