"""How right a fit is: exact reference, digits, excess loss, convergence, and the status that follows."""
