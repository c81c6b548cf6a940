/*
 * storm.c - interrupts from sources that number their events, received and compared while ISRs and routing are swapped.
 *
 * `insmod test-storm source=N` starts one and answers at once; `insmod test-storm-end` (storm-end.c) ends it, and what
 * was received is compared with what was sent. Sources:
 *   0  interrupts that CPUs raise, each after the one before has been received
 *   1  a timer's edges, counted against its own counter; 2  the same as levels; `hz=N` a second
 *   3  a stream on COM2: its length in 4 bytes, the least first, then so many bytes, then their FNV-1a sum in 8; it
 *      begins when a byte was sent to the other side
 *   4  keys, each byte of their scan codes after the one before was read; the routing must pass them on to this
 *      module, which listens after the console (test-route does)
 */
#include "cases.h"
#include <moult/line.h>

enum source { SOFTWARE, EDGES, LEVELS, STREAM, KEYS, SOURCES };

MODULE_PARAMETER(source, SOFTWARE);
MODULE_PARAMETER(hz, 1000);

void storm_finish(void);

#define BATCH 256
#define PATIENCE (10 * SECOND)   /* the host may be busy */
#define QUIET (20 * MILLISECOND) /* in which nothing more may come */

static volatile bool over;
static uint32_t thread;
static int listener;
static uint64_t received;

static const unsigned line_of[SOURCES] = {LINE_SOFTWARE, LINE_TIMER, LINE_TIMER, LINE_SERIAL_2, LINE_KEYBOARD};
static const char *const what_of[SOURCES] = {"interrupts between CPUs", "edges of a timer", "levels of a timer",
                                             "bytes of a stream", "characters of keys"};

static void nothing_more_comes(void)
{
    uint32_t value;

    EXPECT(line_receive(listener, &value, 1, QUIET) == -ETIMEDOUT);
}

static void exchange_interrupts(void)
{
    while (!over && cases.complaints == 0) {
        uint32_t sent = line_raise(), value = 0;

        EXPECT(line_receive(listener, &value, 1, PATIENCE) == 1);
        EXPECT(value == sent);
        received++;
    }
}

/* A comparator of 32 bits comes once more when the counter wraps, which is at most every so often. */
#define WRAP (20 * SECOND)

/*
 * Numbers of periods, which grow to what the timer's counter says at last; and as many edges as numbers, but for a
 * wrap, and where the emulator was late: then a comparator may be overtaken while it is set, or two edges be one. What
 * is lost is not sent again, and stops the source.
 */
static void receive_ticks(void)
{
    static uint32_t values[BATCH];
    struct line_count before, after;
    uint32_t last = 0;
    uint64_t late = 0, periods = 0, began = clock_nanoseconds();

    EXPECT(line_count(LINE_TIMER, &before));
    EXPECT(line_timer_start((uint32_t)parameter_hz, parameter_source == LEVELS) == 0);
    while (cases.complaints == 0 && !over) {
        int count = line_receive(listener, values, BATCH, PATIENCE);

        EXPECT(count > 0);
        for (int i = 0; i < count; i++) {
            EXPECT(values[i] > last);
            late += values[i] - last - 1;
            last = values[i];
            received++;
        }
    }
    periods = line_timer_stop();
    for (int count; (count = line_receive(listener, values, 1, QUIET)) == 1; received++) {
        EXPECT(values[0] > last);
        last = values[0];
    }
    EXPECT(line_count(LINE_TIMER, &after));
    EXPECT(last == periods);
    int64_t extra = (int64_t)(after.interrupts - before.interrupts - received);
    EXPECT(parameter_source == LEVELS ||
           (extra >= -(int64_t)late && extra <= (int64_t)(late + (clock_nanoseconds() - began) / WRAP)));
    log_line("test-storm: # %lu periods by the timer's counter, the last number is %u, %lu were late", periods, last,
             late);
}

/* The next byte of the stream; 0, with a complaint, if none comes. */
static uint8_t next_byte(void)
{
    static uint32_t values[BATCH];
    static int count, at;

    if (at == count) {
        count = line_receive(listener, values, BATCH, PATIENCE);
        at = 0;
        EXPECT(count > 0);
        if (count <= 0)
            return (uint8_t)(count = 0);
    }
    return (uint8_t)values[at++];
}

static uint64_t next_number(unsigned bytes)
{
    uint64_t number = 0;

    for (unsigned i = 0; i < bytes; i++)
        number |= (uint64_t)next_byte() << 8 * i;
    return number;
}

#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static void receive_stream(void)
{
    uint64_t length, sum = FNV_BASIS;

    line_send('g');
    length = next_number(4);
    while (received < length && cases.complaints == 0) {
        sum = (sum ^ next_byte()) * FNV_PRIME;
        received++;
    }
    EXPECT(next_number(8) == sum);
    log_line("test-storm: # the stream is over after %lu bytes, its sum is 0x%lx", received, sum);
}

/* The keyboard's controller: a byte written after this command comes back as if a key had sent it. */
#define CONTROLLER_DATA 0x60
#define CONTROLLER_STATUS 0x64
#define COMMAND_AS_KEY 0xd2
#define STATUS_FULL 0x03 /* it has a byte for the kernel, or one of the kernel's for itself */

static uint8_t port_read(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

static void port_write(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

static void await_controller(void)
{
    uint64_t end = clock_nanoseconds() + PATIENCE;

    while (port_read(CONTROLLER_STATUS) & STATUS_FULL && clock_nanoseconds() < end)
        thread_yield();
    EXPECT(!(port_read(CONTROLLER_STATUS) & STATUS_FULL));
}

static void send_scan_code(uint8_t code)
{
    await_controller();
    port_write(CONTROLLER_STATUS, COMMAND_AS_KEY);
    while (port_read(CONTROLLER_STATUS) & 2)
        relax();
    port_write(CONTROLLER_DATA, code);
    await_controller();
}

/* What is pressed and released, and what it types. */
static const struct {
    const char *codes, *text;
} strokes[] = {
    {"\x1e\x9e", "a"},
    {"\x2a\x1e\x9e\xaa", "A"},
    {"\x1d\x2e\xae\x9d", "\x03"},
    {"\xe0\x1d\x2e\xae\xe0\x9d", "\x03"},
    {"\xe0\x48\xe0\xc8", "\x1b[A"},
    {"\xe0\x53\xe0\xd3", "\x1b[3~"},
    {"\x3a\xba\x30\xb0\x3a\xba", "B"},
    {"\xe1\x1d\x45\xe1\x9d\xc5", ""},
    {"\x36\x02\x82\xb6", "!"},
};

static void type_stroke(unsigned number)
{
    for (const char *code = strokes[number].codes; *code; code++)
        send_scan_code((uint8_t)*code);
    for (const char *expected = strokes[number].text; *expected; expected++) {
        uint32_t value = 0;

        EXPECT(line_receive(listener, &value, 1, PATIENCE) == 1);
        EXPECT(value == (uint8_t)*expected);
        received++;
    }
}

static void type_keys(void)
{
    uint32_t seed = 7;

    while (!over && cases.complaints == 0) {
        type_stroke(random_next(&seed) % (sizeof(strokes) / sizeof(strokes[0])));
        if (random_next(&seed) % 16 == 0)
            thread_sleep(50 * MICROSECOND);
    }
}

static void work(void *unused)
{
    static void (*const of[SOURCES])(void) = {exchange_interrupts, receive_ticks, receive_ticks, receive_stream,
                                              type_keys};

    (void)unused;
    of[parameter_source]();
    nothing_more_comes();
}

static __attribute__((constructor)) void begin(void)
{
    cases.module = "storm";
    if (parameter_source >= SOURCES)
        parameter_source = SOFTWARE;
    listener = line_listen(line_of[parameter_source]);
    EXPECT(listener > 0);
    thread = start(work, NULL);
}

/* Ends the source, and says what became of its events. A stream ends by itself. Context: a thread. */
void storm_finish(void)
{
    struct line_count count;

    over = true;
    join(thread);
    line_leave(listener);
    EXPECT(received > 0);
    EXPECT(line_count(line_of[parameter_source], &count));
    log_line("test-storm: # line %u: %lu interrupts, %lu taken, %lu given, %lu dropped", line_of[parameter_source],
             count.interrupts, count.taken, count.given, count.dropped);
    EXPECT(count.dropped == 0);
    log_line("test-storm: %sok 1 %lu %s, each once", cases.complaints ? "not " : "", received,
             what_of[parameter_source]);
    log_line("test-storm: done 1");
}
EXPORT_SYMBOL(storm_finish);

MODULE("test-storm", "1.0", "interrupts that number their events until test-storm-end");
