use super::escaped;

#[test]
fn a_file_name_stays_a_file_name() {
    assert_eq!(escaped("\"a\"\r\n;é.txt"), "%22a%22%0D%0A%3B%C3%A9.txt");
}
