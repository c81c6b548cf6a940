/*
 * virtual_time.h - virtual time and lag, for the schedulers that share a CPU by weight (stride, eevdf).
 *
 * A thread of weight w that runs for c cycles moves on by c * VIRTUAL_CYCLE / w in virtual time. The queue's own
 * virtual time is the mean of its threads' times, weighted: the time at which each would stand had it had exactly its
 * share. So
 *
 *     lag = weight * (mean - time), in cycles after division by VIRTUAL_CYCLE
 *
 * is the service a thread is owed, and the lags of a queue add up to nothing. The mean is not stored but kept as a
 * sum in integers (as Linux's avg_vruntime() does): mean = base + ahead / weight, where ahead = sum of weight * (time
 * - base). No rounding can pile up in it, however long a queue lives, and "has the mean reached this time?" needs no
 * division.
 *
 * Times wrap around and are compared by their difference. The range holds: a lag is at most VIRTUAL_LAG_MAX cycles =
 * 2^44 units of weight x time, of which 2^17 threads make 2^61; between two ticks, which bring `base` up to date,
 * `ahead` grows by less.
 *
 * Concurrency: all under the queue's lock.
 */
#ifndef SCHED_VIRTUAL_TIME_H
#define SCHED_VIRTUAL_TIME_H

#include <moult/sched.h>

/*
 * A cycle at weight 1. More than four times WEIGHT_MAX, so that a lag in whole cycles, turned into virtual time and
 * back, is the same number although the mean and the time are rounded.
 */
#define VIRTUAL_CYCLE_SHIFT 16
#define VIRTUAL_CYCLE (1 << VIRTUAL_CYCLE_SHIFT)
#define VIRTUAL_LAG_MAX (1 << 28)

/* One queue's virtual time. Zeroed, it is that of an empty queue. */
struct virtual_clock {
    uint64_t base;    /* somewhere near the mean */
    int64_t ahead;    /* sum of weight * (time - base), but for: */
    int64_t deferred; /* what hand-overs have left out of `ahead`; virtual_settle() puts it in */
    int64_t weight;   /* sum of the weights */
};

/* One thread's share in a queue. */
struct virtual_share {
    uint64_t time;    /* its virtual time, while it is in a queue */
    uint64_t inverse; /* 2^64 / weight */
    int64_t weight;
    int64_t lag; /* in cycles, while it is in no queue */
};

static inline int64_t virtual_clamp(int64_t value, int64_t limit)
{
    return value > limit ? limit : value < -limit ? -limit : value;
}

/* a / b rounded down, b > 0. */
static inline int64_t virtual_divide(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The mean, rounded down; the base of an empty queue. */
static inline uint64_t virtual_mean(const struct virtual_clock *clock)
{
    return clock->base + (clock->weight ? virtual_divide(clock->ahead, clock->weight) : 0);
}

/* Is `time` at or before the mean? */
static inline bool virtual_reached(const struct virtual_clock *clock, uint64_t time)
{
    int64_t distance = time - clock->base, product;

    if (__builtin_mul_overflow(distance, clock->weight, &product))
        return distance < 0;
    return product <= clock->ahead;
}

/* Moves a queued thread on by `distance` in virtual time. */
static inline void virtual_advance(struct virtual_clock *clock, struct virtual_share *share, uint64_t distance)
{
    share->time += distance;
    clock->ahead += distance * share->weight;
}

/* Charges a queued thread for `cycles`, fewer than 2^48. */
static inline void virtual_charge(struct virtual_clock *clock, struct virtual_share *share, uint64_t cycles)
{
    virtual_advance(clock, share, (unsigned __int128)(cycles << VIRTUAL_CYCLE_SHIFT) * share->inverse >> 64);
}

/* Brings `base` up to date and puts in what hand-overs left out. To be called at every tick. */
static inline void virtual_settle(struct virtual_clock *clock)
{
    clock->ahead += clock->deferred;
    clock->deferred = 0;
    uint64_t mean = virtual_mean(clock);
    clock->ahead -= (mean - clock->base) * clock->weight;
    clock->base = mean;
}

/* The thread's weight may have changed. True: it has. */
static inline bool virtual_weigh(struct virtual_share *share, const struct sched_facts *facts)
{
    if (share->weight == facts->weight)
        return false;
    share->weight = facts->weight;
    share->inverse = UINT64_MAX / facts->weight;
    return true;
}

/* The lag of a queued thread, in cycles, rounded to the nearest. */
static inline int64_t virtual_lag(const struct virtual_clock *clock, const struct virtual_share *share)
{
    int64_t distance = virtual_mean(clock) - share->time, product;

    if (__builtin_mul_overflow(distance, share->weight, &product) ||
        __builtin_add_overflow(product, VIRTUAL_CYCLE / 2, &product))
        return distance < 0 ? -VIRTUAL_LAG_MAX : VIRTUAL_LAG_MAX;
    return virtual_clamp(product >> VIRTUAL_CYCLE_SHIFT, VIRTUAL_LAG_MAX);
}

/*
 * A hand-over must not move the mean, or every thread's lag would depend on which others have gone already. So this
 * makes `base` the mean and `ahead` nothing; what a thread that comes or goes would add to it is deferred.
 */
static inline void virtual_hold(struct virtual_clock *clock)
{
    uint64_t mean = virtual_mean(clock);

    clock->deferred += clock->ahead - (int64_t)((mean - clock->base) * clock->weight);
    clock->ahead = 0;
    clock->base = mean;
}

/*
 * Adds a thread with its lag, within VIRTUAL_LAG_MAX. The mean moves as the thread comes in, so it is placed where it
 * has that lag afterwards (Stoica and Abdel-Wahab 1995, section 5): at mean - lag / weight - lag / (weight of the
 * others).
 */
static inline void virtual_join(struct virtual_clock *clock, struct virtual_share *share, enum sched_reason reason)
{
    int64_t owed = share->lag * VIRTUAL_CYCLE, apart = virtual_divide(owed, share->weight);

    if (reason == SCHED_HANDOVER) {
        virtual_hold(clock);
        share->time = clock->base - apart;
        clock->deferred -= apart * share->weight;
    } else {
        virtual_settle(clock);
        int64_t distance = clock->weight ? virtual_divide(clock->ahead - owed, clock->weight) - apart : 0;
        share->time = clock->base + distance;
        clock->ahead += distance * share->weight;
    }
    clock->weight += share->weight;
}

/* Takes a thread out and leaves its lag in `share`. */
static inline void virtual_leave(struct virtual_clock *clock, struct virtual_share *share, enum sched_reason reason)
{
    share->lag = virtual_lag(clock, share);
    if (reason == SCHED_HANDOVER) {
        virtual_hold(clock);
        clock->deferred -= (share->time - clock->base) * share->weight;
    } else {
        clock->ahead -= (share->time - clock->base) * share->weight;
    }
    clock->weight -= share->weight;
}

#endif
