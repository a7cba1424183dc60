"""Files of vectors, of w2vfast and of others: each format reads and writes a stream of blocks.

registry    which format a file has, by its bytes, and a name asks for; reading and writing in one call
stream      what passes between readers and writers
word2vec    text and binary, GloVe
records     JSON Lines, SQLite
folders     NumPy with a list of words, TensorBoard projector, Hugging Face static vectors
"""
