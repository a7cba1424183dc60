"""Everything that is compiled, and nothing else.

vector    lanes: load, store, multiply-add, sum         sigmoid   score -> error and loss, by table
sampling  random numbers, noise words, subsampling      sgns      skip-gram with negative sampling
tokens    bytes -> word ids                             cbow      CBOW with negative sampling

Dimensions: V words, D vector size (rows padded to whole vectors of lanes), N tokens.
"""
