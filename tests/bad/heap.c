/*
 * heap.c - the module bad-heap: a heap that misbehaves.
 *
 * Its parameters say how (`kind`), in which function (`op`) and in which of its calls (`after`). Before that it is a
 * good heap, which cuts spans of four pages from below and gives them back when they are empty, and so passes every
 * check of the swap. tests/system/torture goes through them all.
 */
#include <moult/heap.h>
#include <moult/module.h>

#define NOWHERE 0x123456789000ul

/* Values of `op`. */
enum op {
    POOL_INIT,
    ALLOCATE,
    ADD,
    FREE,
};

/* Values of `kind`: what happens inside the function, and then what it answers. */
enum kind {
    READ_NOWHERE,
    WRITE_NOWHERE,
    JUMP_NOWHERE,
    GENERAL_PROTECTION,
    INVALID_OPCODE,
    DIVIDE_ERROR,
    STACK_OVERFLOW,
    LOOP,
    LOOP_WITH_INTERRUPTS,
    LOSE_REGISTERS,
    BREAK_LINKS,
    ANSWER_NOTHING,
    ANSWER_GARBAGE,
    ANSWER_NOT_ALIGNED,
    ANSWER_LIVE,
    ANSWER_OUTSIDE,
    ANSWER_BEHIND_END,
    ANSWER_SPAN_AGAIN,
    ANSWER_TOO_MANY_PAGES,
    GIVE_LIVE_SPAN,
    FORGET,
};

MODULE_PARAMETER(op, ALLOCATE);
MODULE_PARAMETER(kind, READ_NOWHERE);
MODULE_PARAMETER(after, 1);
MODULE_PARAMETER(hits, 0); /* how often it misbehaved so far */

/* What a span has left lies behind all blocks that were cut from it. */
struct heap_span {
    uint8_t *next;
};

struct heap_pool {
    struct heap_span *span; /* the one that blocks are cut from; NULL: none */
    void *last;             /* what was cut last */
};

static uint64_t calls;

static void overflow_stack(void)
{
    __asm__ volatile("1: push %rax; jmp 1b");
}

/* Every register is overwritten, the stack pointer too, and then the stack is used. */
static void lose_registers(void)
{
    __asm__ volatile("mov $0x5a5a, %eax; mov %rax, %rbx; mov %rax, %rbp; mov %rax, %r12; mov %rax, %r13\n\t"
                     "mov %rax, %r14; mov %rax, %r15; std; xor %esp, %esp; push %rax");
}

static void fail_inside(void)
{
    switch (parameter_kind) {
    case READ_NOWHERE:
        (void)*(volatile uint64_t *)NOWHERE;
        break;
    case WRITE_NOWHERE:
        *(volatile uint64_t *)NOWHERE = 1;
        break;
    case JUMP_NOWHERE:
        ((void (*)(void))NOWHERE)();
        break;
    case GENERAL_PROTECTION:
        (void)*(volatile uint64_t *)0x5a5a5a5a5a5a5a5aul;
        break;
    case INVALID_OPCODE:
        __asm__ volatile("ud2");
        break;
    case DIVIDE_ERROR:
        __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx");
        break;
    case STACK_OVERFLOW:
        overflow_stack();
        break;
    case LOOP:
        for (;;)
            __asm__ volatile("");
    case LOOP_WITH_INTERRUPTS:
        for (;;)
            __asm__ volatile("sti");
    case LOSE_REGISTERS:
        lose_registers();
        break;
    default:
        break;
    }
}

/* Is this the call in which to misbehave, and every one after it? */
static bool now(enum op op)
{
    if (op != parameter_op || __atomic_add_fetch(&calls, 1, __ATOMIC_RELAXED) < parameter_after)
        return false;
    __atomic_fetch_add(&parameter_hits, 1, __ATOMIC_RELAXED);
    fail_inside();
    return true;
}

static void bad_pool_init(struct heap_pool *pool, unsigned cpu)
{
    (void)cpu;
    pool->span = NULL;
    pool->last = NULL;
    now(POOL_INIT);
}

static uint8_t *span_end(const struct heap_span *span)
{
    const struct heap_facts *facts = heap_facts(span);
    return facts->start + facts->pages * HEAP_PAGE;
}

static void *cut(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    struct heap_span *span = pool->span;
    uint8_t *place = span ? (uint8_t *)(((uintptr_t)span->next + alignment - 1) & -alignment) : NULL;
    if (!span || place > span_end(span) || bytes > (size_t)(span_end(span) - place))
        return HEAP_WANTS_PAGES(HEAP_SPAN_PAGES_MAX);
    span->next = place + bytes;
    return place;
}

static void *answer(const struct heap_pool *pool, void *good)
{
    switch (parameter_kind) {
    case ANSWER_NOTHING:
        return NULL;
    case ANSWER_GARBAGE:
        return (void *)0x5a5a5a5a5a5a5a50ul;
    case ANSWER_NOT_ALIGNED:
        return (uint8_t *)good + 8;
    case ANSWER_LIVE: /* unless it was given back, and then it is a good answer */
        return pool->last;
    case ANSWER_OUTSIDE:
        return (uint8_t *)good + (1ul << 30);
    case ANSWER_BEHIND_END:
        return pool->span ? span_end(pool->span) - HEAP_GRAIN : NULL;
    case ANSWER_SPAN_AGAIN:
        return HEAP_WANTS_PAGES(1);
    case ANSWER_TOO_MANY_PAGES:
        return HEAP_WANTS_PAGES(1000);
    default:
        return good;
    }
}

static void *bad_allocate(struct heap_pool *pool, size_t bytes, size_t alignment)
{
    void *good = cut(pool, bytes, alignment);
    if (now(ALLOCATE)) {
        if (parameter_kind == BREAK_LINKS)
            pool->span = (struct heap_span *)NOWHERE;
        return answer(pool, good);
    }
    if ((uintptr_t)good > HEAP_SPAN_PAGES_MAX)
        pool->last = good;
    return good;
}

static void bad_add(struct heap_pool *pool, struct heap_span *span)
{
    span->next = heap_facts(span)->start;
    bool bad = now(ADD);
    if (bad && parameter_kind == FORGET)
        return;
    pool->span = bad && parameter_kind == BREAK_LINKS ? (struct heap_span *)NOWHERE : span;
}

static bool bad_free(struct heap_pool *pool, struct heap_span *span, void *block, size_t bytes)
{
    (void)block, (void)bytes;
    if (now(FREE) && parameter_kind == GIVE_LIVE_SPAN)
        return true;
    if (heap_facts(span)->live)
        return false;
    if (pool->span == span)
        pool->span = NULL;
    return true;
}

const struct heap_ops bad_ops = {
    .pool_bytes = sizeof(struct heap_pool),
    .span_bytes = sizeof(struct heap_span),
    .pool_init = bad_pool_init,
    .allocate = bad_allocate,
    .add = bad_add,
    .free = bad_free,
};

MODULE_SLOT(heap, bad_ops);
MODULE("bad-heap", "1.0", "a heap, until it misbehaves as its parameters say");
