return ops[op]()
