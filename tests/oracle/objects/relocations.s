# relocations.s - every relocation type that the loader applies, with and without addends, against every kind of symbol.
    .macro field type, symbol, bytes
    .reloc ., R_X86_64_\type, \symbol
    .if \bytes
    .zero \bytes
    .endif
    .endm

    .macro each symbol
    field NONE, \symbol, 0
    field 64, \symbol, 8
    field PC32, \symbol-4, 4
    field PLT32, \symbol-4, 4
    field 32, \symbol+3, 4
    field 32S, \symbol, 4
    field PC64, \symbol+0x123456789, 8
    field GOTPCREL, \symbol-4, 4
    field GOTPCRELX, \symbol-4, 4
    field GOTOFF64, \symbol, 8
    field GOT32, \symbol, 4
    field GOT64, \symbol, 8
    field GOTPCREL64, \symbol-8, 8
    field PLTOFF64, \symbol, 8
    .endm

    .text
    .globl start
    .type start, @function
start:
    call outside_function
    call outside_function@PLT
    jmp near
    jne outside_function
    mov outside_datum@GOTPCREL(%rip), %rax
    mov outside_datum@GOTPCREL(%rip), %ecx
    call *outside_function@GOTPCREL(%rip)
    jmp *outside_function@GOTPCREL(%rip)
    cmp %rax, outside_datum@GOTPCREL(%rip)
    test %rax, near@GOTPCREL(%rip)
    push near@GOTPCREL(%rip)
    mov absent@GOTPCREL(%rip), %rdx
    lea _GLOBAL_OFFSET_TABLE_(%rip), %rbx
    movabs $_GLOBAL_OFFSET_TABLE_ - ., %rbx
    movabs $near@GOTOFF, %rsi
    mov $outside_datum, %edi
    mov $datum, %rdi
    movabs $outside_function@GOT, %r8
    movabs $outside_function@PLTOFF, %r9
    ret
    .size start, . - start
    .type near, @function
    .globl near
near:
    ret
    .size near, 0x30

    .weak absent

    .section .rodata
    each start
    each local
    each outside_datum
    each datum
    field SIZE32, datum+1, 4
    field SIZE64, near, 8
    field 16, small_value, 2
    field 8, small_value+1, 1
    field 8, small_value-0x70, 1
    field 16, negative_value, 2
    field 8, negative_value, 1
    field 32S, negative_value, 4
    field PC16, local-2, 2
    field PC8, here, 1
here:
    field GOTPC32, _GLOBAL_OFFSET_TABLE_, 4
    field GOTPC64, _GLOBAL_OFFSET_TABLE_+2, 8
local:
    .long 1
    .set small_value, 0x71
    .globl small_value
    .set negative_value, -5
    .globl negative_value

    .data
    .balign 16
datum:
    .quad 4, datum, near - ., outside_function
    .size datum, 32
    .type datum, @object

    .bss
    .zero 40
    .section .second_zeros, "aw", @nobits
    .balign 128
    .zero 40
    .section .third_zeros, "a", @nobits
    .zero 4
    .section .notes, "a", @note
    .long 4, 4, 1
    .asciz "abc"
    .quad 0
    .section .left_out, "e"
    .asciz "is not loaded"
    .section .debug_like, ""
    .quad datum
