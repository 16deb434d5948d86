// Called as testlib's checkers are: accepts any two numbers that add up to the one in the input.
#include <fstream>
#include <iostream>

int main(int count, char **paths) {
    if (count != 4) { std::cout << "called with " << count - 1 << " paths\n"; return 3; }
    std::ifstream input(paths[1]), output(paths[2]), answer(paths[3]);
    long long sum, first, second, rest, expected;
    input >> sum;
    if (!(answer >> expected) || expected != sum) { std::cout << "the answer is not the input's\n"; return 3; }
    if (!(output >> first >> second) || (output >> rest)) { std::cout << "two numbers are needed\n"; return 2; }
    if (first + second != sum) { std::cout << first << " + " << second << " is not " << sum << "\n"; return 1; }
    std::cout << "right\n";
    return 0;
}
