"""Training beyond one machine, in synchronous rounds.

store     files that all workers can reach            plan    who trains on what in which round
reading   text -> vocabulary and shards, in parts     rounds  the work of a round: pure functions
engine    what runs that work; here, in a row         run     from rounds to a trained model
manifest  where a run stands, on disk                 dask_engine  the engine on Dask, which nothing else imports
"""
