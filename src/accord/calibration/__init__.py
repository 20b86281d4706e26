"""Fitting the cost model to measured tables; needs the extra ``[calibrate]``, which run time never does."""
