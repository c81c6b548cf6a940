; boot.asm - from the boot loader's 32-bit protected mode to C in the upper half.
;
; Multiboot2 enters with paging off, flat segments, EAX = its magic, EBX = the physical address of its information.
; What happens here: check that this is a long-mode CPU with NX, build the first page tables, turn paging on, jump up.
;
; The first tables (they stay: arch/x86/kernel_map.c refines them):
;   identity of the first 2 MiB, for the jump, removed later;
;   KERNEL_BASE: the first 1 GiB, executable, until the image is mapped by 4 KiB pages;
;   DIRECT_MAP_BASE: the first 4 GiB, not executable.

KERNEL_BASE equ 0xffffffff80000000
MULTIBOOT2_MAGIC equ 0xe85250d6
MULTIBOOT2_LOADED equ 0x36d76289

PAGE_PRESENT equ 1
PAGE_WRITE equ 2
PAGE_LARGE equ 0x80
PAGE_GLOBAL equ 0x100

section .multiboot progbits alloc noexec nowrite align=8
header:
    dd MULTIBOOT2_MAGIC, 0, header_end - header
    dd 0x100000000 - (MULTIBOOT2_MAGIC + (header_end - header))
    align 8                             ; module alignment: the archive on a page of its own
    dw 6, 0
    dd 8
    align 8
    dw 0, 0                             ; end
    dd 8
header_end:

section .boot.text progbits alloc exec nowrite align=16
bits 32
global boot_entry
boot_entry:
    cli
    cld
    mov esp, boot_stack_top - KERNEL_BASE
    cmp eax, MULTIBOOT2_LOADED
    mov esi, message_loader
    jne refuse
    mov ebp, ebx                        ; the boot information: CPUID changes EBX

    mov eax, 0x80000000                 ; extended CPUID leaves: SDM volume 2, CPUID
    cpuid
    cmp eax, 0x80000001
    mov esi, message_cpu
    jb refuse
    mov eax, 0x80000001
    cpuid
    mov esi, message_cpu
    test edx, 1 << 29                   ; long mode
    jz refuse
    test edx, 1 << 20                   ; no-execute pages
    jz refuse

    mov edi, table_top - KERNEL_BASE
    mov eax, table_low - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE
    mov [edi], eax                      ; identity
    mov eax, table_direct - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE
    mov [edi + 256 * 8], eax            ; DIRECT_MAP_BASE
    mov eax, table_upper - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE
    mov [edi + 511 * 8], eax            ; KERNEL_BASE
    mov dword [table_low - KERNEL_BASE], directory_image - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE
    mov dword [table_upper - KERNEL_BASE + 510 * 8], directory_image - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE

    mov edi, directory_image - KERNEL_BASE
    mov eax, PAGE_PRESENT + PAGE_WRITE + PAGE_LARGE
    mov ecx, 512
.image:
    mov [edi], eax
    add eax, 0x200000
    add edi, 8
    loop .image

    mov edi, table_direct - KERNEL_BASE
    mov eax, directory_direct - KERNEL_BASE + PAGE_PRESENT + PAGE_WRITE
    mov ecx, 4
.direct_directory:
    mov [edi], eax
    add eax, 4096
    add edi, 8
    loop .direct_directory

    mov edi, directory_direct - KERNEL_BASE
    mov eax, PAGE_PRESENT + PAGE_WRITE + PAGE_LARGE + PAGE_GLOBAL
    mov ecx, 4 * 512
.direct:
    mov [edi], eax
    mov dword [edi + 4], 0x80000000     ; not executable
    add eax, 0x200000
    add edi, 8
    loop .direct

    mov eax, cr4
    or eax, 1 << 5                      ; PAE
    mov cr4, eax
    mov eax, table_top - KERNEL_BASE
    mov cr3, eax
    mov ecx, 0xc0000080                 ; EFER
    rdmsr
    or eax, (1 << 8) | (1 << 11)        ; long mode, no-execute
    wrmsr
    mov eax, cr0
    and eax, ~((1 << 30) | (1 << 29))   ; caches on: CD and NW are set after a reset
    or eax, (1 << 31) | (1 << 16)       ; paging, write protection in ring 0 too
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    jmp 8:long_mode

; Says why on COM1 (ESI: the sentence, ending in NUL) and stops.
refuse:
    mov dx, 0x3f8
.next:
    lodsb
    test al, al
    jz .stop
    out dx, al
    jmp .next
.stop:
    hlt
    jmp .stop

bits 64
long_mode:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov fs, eax
    mov gs, eax
    mov rax, boot_upper
    jmp rax

section .boot.data progbits alloc nowrite noexec align=8
boot_gdt:
    dq 0
    dq 0x00209a0000000000               ; 64-bit code, ring 0
boot_gdt_pointer:
    dw 15
    dd boot_gdt
message_loader db "panic: the boot loader is not Multiboot2", 10, 0
message_cpu db "panic: this CPU has no long mode with no-execute pages", 10, 0

section .bss nobits alloc write noexec align=4096
global table_top, table_direct, directory_image
table_top resb 4096
table_low resb 4096
table_upper resb 4096
table_direct resb 4096
directory_image resb 4096
directory_direct resb 4 * 4096

extern boot_upper, boot_stack_top
