/* sources: core/fallback/irq_keys.c core/fallback/irq_bytes.c core/fallback/irq_ticks.c modules/irq/keyboard.c
 * modules/irq/serial.c modules/irq/count.c modules/route/fixed.c modules/route/rr.c modules/route/least.c
 * modules/route/fan.c */
/*
 * irq_policies.c - the interrupt service routines and the routing policies: what they make of a stream, and that it is
 * the same whenever, and to whom, they are handed over in between.
 */
#include <moult/irq.h>
#include <moult/irqroute.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

extern const struct irq_ops irq_keys_ops, irq_bytes_ops, irq_ticks_ops, keyboard_ops, serial_ops, count_ops;
extern const struct irqroute_ops fixed_ops, rr_ops, least_ops, fan_ops;
extern uint64_t parameter_layout, parameter_batch;

#define STREAM 4000
#define LINE 7

/* A line of the core's, as far as an ISR sees it. */
static struct {
    const struct irq_ops *ops;
    struct irq_state *state;
    struct irq_record record;
    const uint8_t *input;
    unsigned input_count, taken;
    uint32_t output[STREAM * IRQ_GIVE_MAX];
    unsigned given;
} line;

int64_t irq_take(unsigned number)
{
    assert_int_equal(number, LINE);
    return line.taken < line.input_count ? line.input[line.taken++] : -1;
}

bool irq_give(unsigned number, uint32_t value)
{
    assert_int_equal(number, LINE);
    assert_true(line.given < sizeof(line.output) / sizeof(line.output[0]));
    line.output[line.given++] = value;
    return true;
}

/* The policy takes over from whoever was there, in memory that is exactly as large as it asked for. */
static void hand_over(const struct irq_ops *ops)
{
    free(line.state);
    line.ops = ops;
    line.state = calloc(1, ops->state_bytes);
    ops->load(line.state, LINE, &line.record);
}

static void begin(const struct irq_ops *ops)
{
    free(line.state);
    memset(&line, 0, sizeof(line));
    line.record.version = IRQ_RECORD_VERSION;
    hand_over(ops);
}

static void interrupt(const uint8_t *bytes, unsigned count)
{
    struct irq_record said = {.version = IRQ_RECORD_VERSION};
    line.input = bytes;
    line.input_count = count;
    line.taken = 0;
    while (line.taken < count)
        assert_int_equal(line.ops->handle(line.state, LINE), IRQ_SERVED);
    assert_int_equal(line.ops->save(line.state, &said), sizeof(said));
    line.record.fields |= said.fields;
    if (said.fields & IRQ_HAS_KEYS)
        line.record.keys = said.keys;
    if (said.fields & IRQ_HAS_LAST)
        line.record.last = said.last;
    if (said.fields & IRQ_HAS_PRIVATE) {
        line.record.family = said.family;
        line.record.private_bytes = said.private_bytes;
        memcpy(line.record.private, said.private, sizeof(said.private));
    }
}

static void types(const char *codes, size_t count, const char *text)
{
    line.given = 0;
    interrupt((const uint8_t *)codes, (unsigned)count);
    assert_int_equal(line.given, strlen(text));
    for (unsigned i = 0; i < line.given; i++)
        assert_int_equal(line.output[i], (uint8_t)text[i]);
}

#define TYPES(codes, text) types(codes, sizeof(codes) - 1, text)

static void keys_of(const struct irq_ops *ops)
{
    begin(ops);
    TYPES("\x1e\x9e", "a");
    TYPES("\x2a\x1e\xaa\x1e", "Aa");
    TYPES("\x36\x02\xb6\x02", "!1");
    TYPES("\x3a\xba\x1e\x02\x2a\x1e\xaa\x3a\xba\x1e", "A1aa");
    TYPES("\x1d\x2e\x9d\x2e", "\003c");
    TYPES("\xe0\x1d\x2e\xe0\x9d\x2e", "\003c");
    TYPES("\xe0\x48\xe0\xc8\x48", "\033[A");
    TYPES("\xe0\x53", "\033[3~");
    TYPES("\xe1\x1d\x45\xe1\x9d\xc5\x2e", "c");
    TYPES("\x1c\xe0\x1c\xe0\x35\x0e\x0f\x01", "\r\r/\177\t\033");
    TYPES("\x39\x2b\x29\x54\x7f\xff", " \\`");
}

static void test_keys(void **unused)
{
    (void)unused;
    parameter_layout = 0;
    keys_of(&irq_keys_ops);
    keys_of(&keyboard_ops);
}

static void test_british_keys(void **unused)
{
    (void)unused;
    parameter_layout = 1;
    begin(&keyboard_ops);
    TYPES("\x2b\x2a\x2b\x03\x28\x04\xaa\x56\x2a\x56\xaa", "#~\"@\\|");
    parameter_layout = 99;
    begin(&keyboard_ops);
    TYPES("\x2a\x03\xaa", "@");
    parameter_layout = 0;
}

/* The same stream, cut anywhere, and handed over at every cut. */
static void test_keys_across_hand_overs(void **unused)
{
    static uint8_t stream[STREAM];
    static uint32_t expected[sizeof(line.output) / sizeof(line.output[0])];
    static const uint8_t likely[] = {0xe0, 0xe1, 0x1d, 0x9d, 0x2a, 0xaa, 0x36, 0xb6, 0x3a, 0x1e, 0x48, 0x53};
    unsigned count;

    (void)unused;
    srand(1);
    for (unsigned i = 0; i < STREAM; i++)
        stream[i] = (uint8_t)(rand() % 2 ? likely[(unsigned)rand() % sizeof(likely)] : rand());
    begin(&irq_keys_ops);
    interrupt(stream, STREAM);
    count = line.given;
    memcpy(expected, line.output, sizeof(expected));
    assert_true(count > STREAM / 10);
    begin(&irq_keys_ops);
    for (unsigned at = 0, length; at < STREAM; at += length) {
        length = 1 + (unsigned)rand() % 3;
        if (length > STREAM - at)
            length = STREAM - at;
        hand_over(rand() % 2 ? &keyboard_ops : &irq_keys_ops);
        interrupt(stream + at, length);
    }
    assert_int_equal(line.given, count);
    assert_memory_equal(line.output, expected, count * sizeof(expected[0]));
}

static void test_bytes_across_hand_overs(void **unused)
{
    static uint8_t stream[STREAM];

    (void)unused;
    srand(2);
    for (unsigned i = 0; i < STREAM; i++)
        stream[i] = (uint8_t)rand();
    begin(&irq_bytes_ops);
    for (unsigned at = 0, length; at < STREAM; at += length) {
        length = 1 + (unsigned)rand() % 64;
        if (length > STREAM - at)
            length = STREAM - at;
        parameter_batch = (unsigned)rand() % 20;
        hand_over(rand() % 2 ? &serial_ops : &irq_bytes_ops);
        interrupt(stream + at, length);
    }
    assert_int_equal(line.given, STREAM);
    for (unsigned i = 0; i < STREAM; i++)
        assert_int_equal(line.output[i], stream[i]);
}

/* Counts are kept while another family has the line, and breaks are seen across it. */
static void test_counts_are_kept(void **unused)
{
    const struct counts {
        uint64_t events, breaks;
    } *counts = (const void *)line.record.private;

    (void)unused;
    begin(&count_ops);
    interrupt((const uint8_t[]){1, 2, 3, 5}, 4);
    assert_int_equal(counts->events, 4);
    assert_int_equal(counts->breaks, 1);
    hand_over(&irq_ticks_ops);
    interrupt((const uint8_t[]){6, 7}, 2);
    hand_over(&count_ops);
    interrupt((const uint8_t[]){8}, 1);
    assert_int_equal(counts->events, 5);
    assert_int_equal(counts->breaks, 1);
    assert_int_equal(line.record.last, 8);
    assert_int_equal(line.given, 7);
}

#define CPUS 4

/* Where the policy sends a line, with CPU 1 offline. */
static struct irqroute_cpu cpus[CPUS];

static void test_routes_stay_online(void **unused)
{
    const struct irqroute_ops *const all[] = {&fixed_ops, &rr_ops, &least_ops, &fan_ops};

    (void)unused;
    srand(3);
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        struct irqroute_state *state = calloc(1, all[i]->state_bytes);
        struct irqroute_facts facts = {.line = 4, .cpu_count = CPUS, .cpus = cpus};

        all[i]->init(state, CPUS);
        for (unsigned round = 0; round < 1000; round++) {
            for (unsigned cpu = 0; cpu < CPUS; cpu++) {
                cpus[cpu].online = cpu != 1;
                cpus[cpu].interrupts += (unsigned)rand() % 1000;
                cpus[cpu].load = (unsigned)rand() % 1000;
                cpus[cpu].lines = (unsigned)rand() % 5;
            }
            facts.line = (unsigned)rand() % 24;
            facts.cpu = all[i]->choose(state, &facts);
            assert_true(facts.cpu < CPUS && cpus[facts.cpu].online);
        }
        free(state);
    }
}

static void test_routes_are_what_they_say(void **unused)
{
    struct irqroute_facts facts = {.line = 6, .cpu_count = CPUS, .cpus = cpus};
    struct irqroute_state *state = calloc(1, IRQROUTE_STATE_BYTES);

    (void)unused;
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        cpus[cpu] = (struct irqroute_cpu){.online = 1};
    assert_int_equal(fixed_ops.choose(state, &facts), 2);
    rr_ops.init(state, CPUS);
    for (unsigned i = 0; i < 3 * CPUS; i++)
        assert_int_equal(rr_ops.choose(state, &facts), i % CPUS);
    memset(state, 0, IRQROUTE_STATE_BYTES);
    least_ops.init(state, CPUS);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        cpus[cpu].interrupts = cpu == 3 ? 10 : 10000;
    assert_int_equal(least_ops.choose(state, &facts), 3);
    facts.cpu = 3;
    assert_int_equal(least_ops.choose(state, &facts), 3);
    assert_null(fixed_ops.receivers);
    assert_int_equal(fan_ops.receivers(state, 4, 0x15), 0x15);
    free(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_british_keys),
        cmocka_unit_test(test_keys_across_hand_overs),
        cmocka_unit_test(test_bytes_across_hand_overs),
        cmocka_unit_test(test_counts_are_kept),
        cmocka_unit_test(test_routes_stay_online),
        cmocka_unit_test(test_routes_are_what_they_say),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    free(line.state);
    return failed;
}
