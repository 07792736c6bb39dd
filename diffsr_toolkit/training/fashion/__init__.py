"""The recipe of the second embedded pair: a diffusion model of Fashion-MNIST and a classifier that judges it."""
