/// A JSON pointer (RFC 6901) from its unescaped parts.
pub fn pointer<I, S>(parts: I) -> String
where
    I: IntoIterator<Item = S>,
    S: AsRef<str>,
{
    parts
        .into_iter()
        .fold(String::new(), |text, part| text + "/" + &part.as_ref().replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests {
    use super::pointer;

    #[test]
    fn escapes_as_rfc_6901_says() {
        assert_eq!(pointer(["env", "a/b~c"]), "/env/a~1b~0c");
        assert_eq!(pointer(Vec::<&str>::new()), "");
    }
}
