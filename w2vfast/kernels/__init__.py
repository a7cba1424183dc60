"""Everything that is compiled, and nothing else.

Of text:
tokens, octets, sentences   bytes -> word ids; eight bytes at a time; sentences in another order
phrases, cooccurrence       pairs of words, counted

Of training, from the outside in:
arguments                   what every kernel takes: model, text, tables, settings, job
shards                      a shard of the job for each thread
windows                     the windows of a shard's next centers, with their noise words
sampling                    random numbers, subsampling, window sizes, noise words
sgns, cbow                  skip-gram and CBOW
tree                        the paths of hierarchical softmax
rows, sigmoid               the step that all share: scores -> errors, loss
vector                      lanes: load, store, multiply-add, sum
merging                     copies of the matrices that were trained apart

Dimensions: V words, D vector size (rows padded to whole vectors of lanes), N tokens.
"""
