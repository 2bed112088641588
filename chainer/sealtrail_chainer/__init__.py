"""The chainer: gives each record of one partition a sequence and a hash link, exactly once."""
