"""Work that outlives a request: the queue, its tasks and the processes that do them."""
