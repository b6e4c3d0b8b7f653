"""PHOLD on SimPy: a process that sleeps, as its documentation begins, is an event on its way from entity to entity."""

import random
import sys
import time

import simpy


def call(env, handled):
    draw, log_draw, timeout, entities = random.random, random.expovariate, env.timeout, len(handled)
    while True:
        yield timeout(log_draw(1.0))
        handled[int(draw() * entities)] += 1


def main():
    entities, events = int(sys.argv[1]), int(sys.argv[2])
    random.seed(1)
    env = simpy.Environment()
    handled = [0] * entities
    for _ in range(entities):
        env.process(call(env, handled))
    # Starts all processes, which is their set-up.
    env.run(until=1e-9)
    before = sum(handled)
    start = time.process_time()
    env.run(until=events / entities)
    print(sum(handled) - before, time.process_time() - start)


main()
