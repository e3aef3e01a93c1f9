/* The loop `pass_the_days` of src/caseload_sim/engines/kernel.py, line for line: what the compiled kernel is measured
   against. Whoever changes one changes the other; c_loop.py checks that the answers are identical. */

#include <stdint.h>

#define NOBODY (-1)
#define ROWS_EXHAUSTED (-1)
#define NOT_YET INT32_MIN
#define NEVER INT32_MAX
#define GAVE_UP 1
#define SHORT 16

/* Ascending; short stretches by insertion, long ones by halves around a middle value. */
static void sort(int32_t *a, int64_t n) {
    while (n > SHORT) {
        int32_t x = a[0], y = a[n / 2], z = a[n - 1];
        int32_t middle = x < y ? (y < z ? y : (x < z ? z : x)) : (x < z ? x : (y < z ? z : y));
        int64_t i = 0, j = n - 1;
        while (i <= j) {
            while (a[i] < middle) i++;
            while (a[j] > middle) j--;
            if (i <= j) {
                int32_t swapped = a[i];
                a[i++] = a[j];
                a[j--] = swapped;
            }
        }
        sort(a, j + 1);
        a += i;
        n -= i;
    }
    for (int64_t i = 1; i < n; i++) {
        int32_t moved = a[i];
        int64_t j = i;
        for (; j > 0 && a[j - 1] > moved; j--) a[j] = a[j - 1];
        a[j] = moved;
    }
}

int64_t pass_the_days(
    int64_t horizon, int64_t n_steps, int64_t n_ranks, int64_t watched, int64_t n_arrivals, int64_t room,
    const int32_t *joins_day, const int32_t *first_plan, const int32_t *client, const int8_t *step,
    const int32_t *course_days, const int32_t *patience_days, const int32_t *rank, const int8_t *ending_of,
    const int32_t *inside_from, const int32_t *well_after, const int32_t *next_inside, const int32_t *next_outside,
    const int32_t *began_day, const int32_t *returns_as, const int32_t *return_after_days, const int32_t *arrivals,
    const int32_t *places,
    int32_t *plan, int32_t *joined, int32_t *started, int32_t *ended, int8_t *ending,
    int32_t *list_head, int32_t *list_tail, int32_t *next_row, int32_t *ends_on, int32_t *leaves_on,
    int32_t *leaves_next, int32_t *returns_on, int32_t *returns_next,
    int64_t *held, int64_t *first_rank, int32_t *joiners, int32_t *entered, int32_t *gives_up, int64_t *waiting,
    int64_t *held_each_day, int64_t *waiting_each_day)
{
    int64_t n_rows = 0, next_arrival = 0;
    for (int64_t day = -1; day < horizon; day++) {
        int64_t n_joiners = 0;
        if (day >= 0) {
            for (int64_t row = ends_on[day]; row != NOBODY; row = next_row[row]) {
                int64_t at = plan[row], who = client[at];
                held[step[at]] -= 1;
                ended[row] = (int32_t)day;
                ending[row] = ending_of[at];
                int64_t following = next_outside[at];
                if (inside_from[at] <= day - entered[who]) following = next_inside[at];
                if (following >= 0) {
                    joiners[n_joiners++] = (int32_t)following;
                } else if (returns_as[who] >= 0 && day + return_after_days[who] < horizon) {
                    int64_t back = day + return_after_days[who];
                    returns_next[returns_as[who]] = returns_on[back];
                    returns_on[back] = returns_as[who];
                }
            }
            for (int64_t row = leaves_on[day]; row != NOBODY; row = leaves_next[row]) {
                if (started[row] != NOT_YET) continue;
                int64_t who = client[plan[row]];
                ended[row] = (int32_t)day;
                ending[row] = GAVE_UP;
                waiting[step[plan[row]]] -= 1;
                if (returns_as[who] >= 0 && day + return_after_days[who] < horizon) {
                    int64_t back = day + return_after_days[who];
                    returns_next[returns_as[who]] = returns_on[back];
                    returns_on[back] = returns_as[who];
                }
            }
            for (int64_t who = returns_on[day]; who != NOBODY; who = returns_next[who]) {
                entered[who] = (int32_t)day;
                if (first_plan[who] >= 0) {
                    joiners[n_joiners++] = first_plan[who];
                } else if (returns_as[who] >= 0 && day + return_after_days[who] < horizon) {
                    int64_t back = day + return_after_days[who];
                    returns_next[returns_as[who]] = returns_on[back];
                    returns_on[back] = returns_as[who];
                }
            }
        }
        while (next_arrival < n_arrivals && joins_day[arrivals[next_arrival]] <= day) {
            int64_t who = arrivals[next_arrival++];
            entered[who] = joins_day[who];
            if (first_plan[who] >= 0) {
                joiners[n_joiners++] = first_plan[who];
            } else if (returns_as[who] >= 0) {
                int64_t back = (day > 0 ? day : 0) + return_after_days[who];
                if (back < horizon) {
                    returns_next[returns_as[who]] = returns_on[back];
                    returns_on[back] = returns_as[who];
                }
            }
        }
        if (day >= 0) sort(joiners, n_joiners);
        for (int64_t k = 0; k < n_joiners; k++) {
            if (n_rows == room) return ROWS_EXHAUSTED;
            int64_t row = n_rows++, at = joiners[k], who = client[at], where = step[at];
            plan[row] = (int32_t)at;
            joined[row] = day >= 0 ? (int32_t)day : joins_day[who];
            if (day < 0 && began_day[who] != NOT_YET) {
                started[row] = began_day[who];
                held[where] += 1;
                int64_t last = (int64_t)began_day[who] + course_days[at];
                if (last < horizon) {
                    next_row[row] = ends_on[last];
                    ends_on[last] = (int32_t)row;
                }
                continue;
            }
            waiting[where] += 1;
            int64_t last = patience_days[at] == NEVER ? horizon : (int64_t)joined[row] + patience_days[at];
            if (well_after[at] != NEVER) {
                int64_t well = (int64_t)entered[who] + well_after[at], next_day = (int64_t)joined[row] + 1;
                if (well < next_day) well = next_day;
                if (well < last) last = well;
            }
            gives_up[row] = (int32_t)(last < horizon ? last : horizon);
            if ((watched || returns_as[who] >= 0) && last < horizon) {
                leaves_next[row] = leaves_on[last];
                leaves_on[last] = (int32_t)row;
            }
            int64_t queue = where * n_ranks + rank[at];
            if (list_head[queue] == NOBODY) list_head[queue] = (int32_t)row;
            else next_row[list_tail[queue]] = (int32_t)row;
            list_tail[queue] = (int32_t)row;
            if (rank[at] < first_rank[where]) first_rank[where] = rank[at];
        }
        if (day < 0) continue;
        for (int64_t where = 0; where < n_steps; where++) {
            while (held[where] < places[day * n_steps + where]) {
                while (first_rank[where] < n_ranks && list_head[where * n_ranks + first_rank[where]] == NOBODY)
                    first_rank[where] += 1;
                if (first_rank[where] == n_ranks) break;
                int64_t queue = where * n_ranks + first_rank[where];
                int64_t row = list_head[queue];
                list_head[queue] = next_row[row];
                int64_t at = plan[row];
                if (gives_up[row] <= day) {
                    ended[row] = gives_up[row];
                    ending[row] = GAVE_UP;
                    continue;
                }
                started[row] = (int32_t)day;
                waiting[where] -= 1;
                held[where] += 1;
                int64_t last = day + course_days[at];
                if (last < horizon) {
                    next_row[row] = ends_on[last];
                    ends_on[last] = (int32_t)row;
                }
            }
            held_each_day[day * n_steps + where] = held[where];
            waiting_each_day[day * n_steps + where] = waiting[where];
        }
    }
    for (int64_t row = 0; row < n_rows; row++) {
        if (started[row] == NOT_YET && ended[row] == NOT_YET && gives_up[row] < horizon) {
            ended[row] = gives_up[row];
            ending[row] = GAVE_UP;
        }
    }
    return n_rows;
}
