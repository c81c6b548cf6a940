/*
 * frame_bits.h - blocks of frames in the bitmap of one chunk, for policies and for the core.
 *
 * A block of order n is 2^n bits at a multiple of 2^n. Nothing here takes a lock or calls anything.
 */
#ifndef MOULT_FRAME_BITS_H
#define MOULT_FRAME_BITS_H

#include <moult/frames.h>

#define FRAME_WORDS (FRAMES_IN_CHUNK / 64)
#define FRAME_WORD_ORDER 6 /* a word is a block of this order */

/* The bits of a word at which a block of that order may begin. `order` < FRAME_WORD_ORDER. */
static inline uint64_t frame_bits_aligned(unsigned order)
{
    static const uint64_t aligned[FRAME_WORD_ORDER] = {~0ul,
                                                       0x5555555555555555ul,
                                                       0x1111111111111111ul,
                                                       0x0101010101010101ul,
                                                       0x0001000100010001ul,
                                                       0x0000000100000001ul};

    return aligned[order];
}

/* The bits of `word` at which a block begins whose bits are all set. `order` < FRAME_WORD_ORDER. */
static inline uint64_t frame_bits_starts(uint64_t word, unsigned order)
{
    for (unsigned i = 0; i < order; i++)
        word &= word >> (1u << i);
    return word & frame_bits_aligned(order);
}

/* Is every bit of a block of whole words set? */
static inline bool frame_bits_full(const struct frame_bits *bits, unsigned first, unsigned words)
{
    for (unsigned i = 0; i < words; i++) {
        if (~bits->words[first + i])
            return false;
    }
    return true;
}

/* The lowest block of that order that is all set; FRAMES_IN_CHUNK: there is none. */
static inline unsigned frame_bits_find(const struct frame_bits *bits, unsigned order)
{
    unsigned words = order < FRAME_WORD_ORDER ? 1 : 1u << (order - FRAME_WORD_ORDER);

    for (unsigned i = 0; i < FRAME_WORDS; i += words) {
        uint64_t starts = order < FRAME_WORD_ORDER ? frame_bits_starts(bits->words[i], order)
                                                   : frame_bits_full(bits, i, words);
        if (starts)
            return i * 64 + (unsigned)__builtin_ctzl(starts);
    }
    return FRAMES_IN_CHUNK;
}

/* Sets or clears the bits of a block. */
static inline void frame_bits_mark(struct frame_bits *bits, unsigned first, unsigned order, bool set)
{
    uint64_t mask = order < FRAME_WORD_ORDER ? ((1ul << (1u << order)) - 1) << first % 64 : ~0ul;
    unsigned words = order < FRAME_WORD_ORDER ? 1 : 1u << (order - FRAME_WORD_ORDER);

    for (unsigned i = first / 64; i < first / 64 + words; i++)
        bits->words[i] = set ? bits->words[i] | mask : bits->words[i] & ~mask;
}

/* How many bits of a word are set: pairs, then fours, then eights added up side by side. */
static inline unsigned frame_bits_in_word(uint64_t word)
{
    word -= word >> 1 & 0x5555555555555555ul;
    word = (word & 0x3333333333333333ul) + (word >> 2 & 0x3333333333333333ul);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0ful;
    return (unsigned)(word * 0x0101010101010101ul >> 56);
}

static inline unsigned frame_bits_count(const struct frame_bits *bits)
{
    unsigned count = 0;

    for (unsigned i = 0; i < FRAME_WORDS; i++)
        count += bits->words[i] ? frame_bits_in_word(bits->words[i]) : 0;
    return count;
}

#endif
