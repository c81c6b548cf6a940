; assembly.asm - what NASM puts into objects: PC32 calls, absolute and relative data, small fields, COMMON.
bits 64
default rel
extern outside_function, outside_datum
common shared 64:16
global entry:function (entry.end - entry), table:data 32

section .text
entry:
    call outside_function
    call outside_function wrt ..plt
    jmp .end
    jz near outside_function
    mov rax, [outside_datum]
    mov rax, [outside_datum wrt ..got]
    lea rcx, [table]
    mov rdx, [rel shared + 8]
    mov rsi, table
    mov edi, outside_datum
    mov dword [rel table], 7
    cmp byte [abs outside_datum], 3
    ret
.end:

section .rodata align=32
words: dw 1, 2
    dq entry, table, outside_function, entry - $

section .data align=64
table: dq words, entry.end, outside_datum + 16, shared
    dd outside_datum

section .bss align=4096
buffer: resb 10000
