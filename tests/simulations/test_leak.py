"""The leak check seldom raises a false alarm in a whole campaign, and sees a test set that was learned."""

import numpy as np
from scipy.special import ndtri

from al_core.evaluation import leak_check
from tests.simulations.campaigns import FAMILIES


def alarms(leaks, seed, campaigns=1000):
    """For each campaign: whether it was raised in any round, whether in the last, and how many control tasks it had.

    ``leaks`` is the share of the test tasks that a model got wrong and learned.
    """
    rng = np.random.default_rng(seed)
    return np.array([one_campaign(leaks, FAMILIES[number % len(FAMILIES)](rng), rng) for number in range(campaigns)])


def one_campaign(leaks, curve, rng):
    rounds, batch, tests = int(rng.integers(4, 13)), int(rng.integers(10, 101)), int(rng.choice([50, 100, 200, 300]))
    lane = max(1, int(batch * rng.choice([0.1, 0.2, 0.3])))
    shares = np.clip(curve(np.arange(1, rounds + 1) * float(batch)), 0.02, 0.98)
    own = rng.uniform(0.3, 0.8)
    difficulty = rng.normal(size=tests)
    raised = []
    control_right = sum_of_shares = 0
    for number, share in enumerate(shares, start=1):
        latent = np.sqrt(own) * difficulty + np.sqrt(1 - own) * rng.normal(size=tests)
        wrong = float((latent >= ndtri(share)).mean()) * (1 - leaks)
        sum_of_shares += 1 - wrong
        control_right += int(rng.binomial(lane, share))
        test = round(sum_of_shares / number * tests), tests
        raised.append(leak_check(test, (control_right, lane * number)).is_suspected)
    return any(raised), raised[-1], lane * rounds


def test_where_nothing_leaks_the_alarm_is_seldom_raised_at_all():
    found = alarms(0.0, seed=1)
    assert found[:, 0].mean() <= 0.05
    small = found[:, 2] < 30
    assert small.sum() > 150
    assert found[small, 0].mean() <= 0.05


def test_a_test_set_that_was_learned_is_found():
    assert alarms(1.0, seed=2, campaigns=400)[:, 1].mean() >= 0.85


def test_one_that_was_learned_in_half_is_often_found():
    assert alarms(0.5, seed=3, campaigns=400)[:, 0].mean() >= 0.45
