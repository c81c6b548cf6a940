/*
 * templates.cc - what C++ compilers put into objects: COMDAT groups, tables of virtual functions, static objects.
 */
extern "C" void outside_function(const void *);
extern "C" int __cxa_atexit(void (*)(void *), void *, void *);
extern "C" void __cxa_pure_virtual();
extern "C" void *__dso_handle;

void operator delete(void *, unsigned long) noexcept
{
}

template <typename T> struct counter {
    static T count;
    T next()
    {
        return count++;
    }
};
template <typename T> T counter<T>::count = 7;

struct base {
    virtual ~base() {}
    virtual int number() const = 0;
};

template <int N> struct derived : base {
    int number() const override
    {
        outside_function(this);
        return N;
    }
};

inline int shared_inline(int value)
{
    static int calls = 3;
    return calls++ + value;
}

derived<1> one;
derived<2> two;
base *const bases[] = {&one, &two};

int all(int value)
{
    counter<int> ints;
    counter<long> longs;
    return ints.next() + (int)longs.next() + bases[value & 1]->number() + shared_inline(value);
}
