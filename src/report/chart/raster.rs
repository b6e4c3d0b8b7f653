//! Pictures as PNG. The only file that knows the library that draws SVG.
//!
//! Texts are drawn with a part of DejaVu Sans that is compiled in, so the same picture is the same bytes on every
//! machine.

use std::sync::{Arc, OnceLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

const REGULAR: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../../data/fonts/DejaVuSans-Bold.ttf");

fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    let load = || {
        let mut fonts = fontdb::Database::new();
        fonts.load_font_data(REGULAR.to_vec());
        fonts.load_font_data(BOLD.to_vec());
        fonts.set_sans_serif_family("DejaVu Sans");
        Arc::new(fonts)
    };
    Arc::clone(FONTS.get_or_init(load))
}

/// A picture as PNG, as many pixels wide as it says.
///
/// # Errors
/// Why it cannot be drawn, in words: it is no SVG, or larger than memory.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let options = Options { fontdb: fonts(), font_family: "DejaVu Sans".to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let size = tree.size().to_int_size();
    let mut pixels = Pixmap::new(size.width(), size.height())
        .ok_or_else(|| format!("{} by {} pixels do not fit into memory", size.width(), size.height()))?;
    resvg::render(&tree, Transform::default(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::canvas::{Anchor, draw, palette};
    use super::super::{Theme, shown_at, themed};
    use super::*;

    fn picture(said: &str) -> String {
        draw(300.0, 100.0, "a picture", |canvas| {
            canvas.text((9.0, 50.0), Anchor::Left, said, 30.0, palette::INK, false);
        })
    }

    #[test]
    fn pictures_are_as_wide_as_they_say_and_always_the_same() {
        let svg = themed(&shown_at(&picture("text"), 600), Theme::Light);
        let bytes = png(&svg).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        assert_eq!((number(16), number(20)), (600, 200));
        assert_eq!(png(&svg).unwrap(), bytes);
        assert!(png("<svg").is_err());
    }

    #[test]
    fn texts_are_drawn_in_every_script_that_is_compiled_in() {
        let empty = png(&picture("")).unwrap();
        for said in ["Latin", "Ελληνικά", "Кириллица", "→ ≤ ± × …", "\u{fffd}"] {
            assert_ne!(png(&picture(said)).unwrap(), empty, "{said}");
        }
    }
}
